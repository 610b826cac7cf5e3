/** The most characters of a file name in a header. */
const maximumLength = 255

/** Path separators, control characters (also those that change the direction of text) and halves of surrogate pairs. */
const unsafe = /[/\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Percent-encodes a text for an extended value. RFC 8187 allows fewer characters than `encodeURIComponent` leaves as they are. */
const encodeExtended = (text: string): string =>
  encodeURIComponent(text).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)

/**
 * The `Content-Disposition` of a download, by RFC 6266: the name as ASCII for old clients, and as UTF-8 if it has other
 * characters. Characters that could harm are replaced by an underscore.
 *
 * `é.pdf` becomes `attachment; filename="_.pdf"; filename*=UTF-8''%C3%A9.pdf`.
 */
export const contentDisposition = (filename: string): string => {
  const name = Array.from(filename.replace(unsafe, "_")).slice(0, maximumLength).join("")
  // A percent sign and two digits would be decoded by some clients: RFC 6266, appendix D.
  const ascii = name.replace(/[^\x20-\x7e]|["%]/gu, "_")
  const extended = ascii === name ? "" : `; filename*=UTF-8''${encodeExtended(name)}`
  return `attachment; filename="${ascii}"${extended}`
}
