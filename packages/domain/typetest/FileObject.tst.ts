import type * as FileObject from "@effect-uploads/domain/FileObject"
import type { Timestamp } from "@effect-uploads/domain/Timestamp"
import type * as Option from "effect/Option"
import type * as OpenAI from "openai/resources/files"
import { describe, expect, test } from "tstyche"

describe("FileObject", () => {
  test("is on the wire what it is in the official SDK, both ways", () => {
    expect<typeof FileObject.FileObject.Encoded>().type.toBeAssignableTo<OpenAI.FileObject>()
    expect<OpenAI.FileObject>().type.toBeAssignableTo<typeof FileObject.FileObject.Encoded>()
  })

  test("says with an Option what a File may lack", () => {
    expect<FileObject.FileObject["expiresAt"]>().type.toBe<Option.Option<Timestamp>>()
    expect<FileObject.FileObject["statusDetails"]>().type.toBe<Option.Option<string>>()
  })
})
