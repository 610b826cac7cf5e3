import getWidth from "fast-string-truncated-width"

/** The number of terminal columns that the text takes: a Chinese character takes two, a colour sequence none. */
export const stringWidth = (text: string): number => getWidth(text).width

/** Truncates the text with an ellipsis or pads it with spaces, so that it takes exactly `columns`. */
export const fitColumns = (text: string, columns: number): string => {
  const { ellipsed, index, width } = getWidth(text, { limit: columns, ellipsis: "…", ellipsisWidth: 1 })
  const truncated = `${text.slice(0, index)}${ellipsed ? "…" : ""}`
  return truncated + " ".repeat(Math.max(0, columns - width - (ellipsed ? 1 : 0)))
}
