import type * as FileObject from "@effect-uploads/domain/FileObject"
import type { Timestamp } from "@effect-uploads/domain/Timestamp"
import type * as Option from "effect/Option"
import type * as OpenAI from "openai/resources/files"
import { describe, expect, test } from "tstyche"

describe("FileObject", () => {
  test("its encoded type equals the type of the official SDK", () => {
    expect<typeof FileObject.FileObject.Encoded>().type.toBeAssignableTo<OpenAI.FileObject>()
    expect<OpenAI.FileObject>().type.toBeAssignableTo<typeof FileObject.FileObject.Encoded>()
  })

  test("its optional fields are Options", () => {
    expect<FileObject.FileObject["expiresAt"]>().type.toBe<Option.Option<Timestamp>>()
    expect<FileObject.FileObject["statusDetails"]>().type.toBe<Option.Option<string>>()
  })
})
