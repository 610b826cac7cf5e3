import { DocumentedPurpose, FilePurpose, UploadPurpose } from "@effect-uploads/domain/FilePurpose"
import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const isFilePurpose = Schema.is(FilePurpose)

describe("FilePurpose", () => {
  it("lists the purposes of an Upload", () => {
    expect([...UploadPurpose.literals].sort()).toEqual([
      "assistants",
      "batch",
      "evals",
      "fine-tune",
      "user_data",
      "vision"
    ])
  })

  it("lists the documented purposes of a File", () => {
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

  it("accepts the listed purposes and unknown ones", () => {
    for (const purpose of [...UploadPurpose.literals, ...DocumentedPurpose.literals, "telepathy", "constructor"]) {
      expect(isFilePurpose(purpose)).toBe(true)
    }
  })

  it.each(["", 1, null, undefined])("rejects %j as a purpose", (purpose) => {
    expect(isFilePurpose(purpose)).toBe(false)
  })
})
