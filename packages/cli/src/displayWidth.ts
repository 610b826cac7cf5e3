import getWidth from "fast-string-truncated-width"

/** How many columns of a terminal the text takes: a Chinese character takes two, a colour none. */
export const displayWidth = (text: string): number => getWidth(text).width

/** The text in exactly so many columns: cut off with an ellipsis, or filled up. */
export const fit = (text: string, columns: number): string => {
  const { ellipsed, index, width } = getWidth(text, { limit: columns, ellipsis: "…", ellipsisWidth: 1 })
  const cut = `${text.slice(0, index)}${ellipsed ? "…" : ""}`
  return cut + " ".repeat(Math.max(0, columns - width - (ellipsed ? 1 : 0)))
}
