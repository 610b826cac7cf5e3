import manifest from "../package.json" with { type: "json" }

/** The version that `uploads --version` prints. The bundle contains it, because `changeset version` writes package.json only. */
export const version: string = manifest.version
