import { DocumentedPurpose, FilePurpose, UploadPurpose } from "@effect-uploads/domain/FilePurpose"
import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const isFilePurpose = Schema.is(FilePurpose)

describe("FilePurpose", () => {
  it("lists the purposes with which an Upload may be created", () => {
    expect([...UploadPurpose.literals].sort()).toEqual([
      "assistants",
      "batch",
      "evals",
      "fine-tune",
      "user_data",
      "vision"
    ])
  })

  it("lists the purposes that are documented for a File", () => {
    expect([...DocumentedPurpose.literals].sort()).toEqual([
      "assistants",
      "assistants_output",
      "batch",
      "batch_output",
      "fine-tune",
      "fine-tune-results",
      "user_data",
      "vision"
    ])
  })

  it("is any of them, or one that came later", () => {
    for (const purpose of [...UploadPurpose.literals, ...DocumentedPurpose.literals, "telepathy", "constructor"]) {
      expect(isFilePurpose(purpose)).toBe(true)
    }
  })

  it.each(["", 1, null, undefined])("is not %j", (purpose) => {
    expect(isFilePurpose(purpose)).toBe(false)
  })
})
