import * as Command from "@effect/cli/Command"
import * as common from "./commonOptions.js"
import { filesDelete } from "./filesDelete.js"
import { filesGet } from "./filesGet.js"
import { filesList } from "./filesList.js"
import { filesShow } from "./filesShow.js"

export const files = Command.make("files").pipe(
  Command.withDescription(
    common.help("Lists, shows, downloads and deletes Files.", [
      ["uploads files list", "Lists all Files."],
      ["uploads files get file-abc123", "Downloads a File."]
    ])
  ),
  Command.withSubcommands([filesList, filesShow, filesGet, filesDelete])
)
