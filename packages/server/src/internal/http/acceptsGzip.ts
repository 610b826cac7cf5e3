/** Whether a client accepts gzip: an entry without a weight, or with another one than 0 (RFC 9110, section 12.5.3). */
export const acceptsGzip = (acceptEncoding: string): boolean =>
  acceptEncoding.split(",").some((entry) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(entry))
