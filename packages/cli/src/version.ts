/** The version that `uploads --version` prints. A test compares it with package.json. */
export const version = "0.1.0"
