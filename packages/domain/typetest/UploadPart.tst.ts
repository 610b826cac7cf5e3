import type { PartId, UploadId } from "@effect-uploads/domain/Ids"
import type * as UploadPart from "@effect-uploads/domain/UploadPart"
import type * as OpenAI from "openai/resources/uploads/parts"
import { describe, expect, test } from "tstyche"

describe("UploadPart", () => {
  test("its encoded type equals the type of the official SDK", () => {
    expect<typeof UploadPart.UploadPart.Encoded>().type.toBeAssignableTo<OpenAI.UploadPart>()
    expect<OpenAI.UploadPart>().type.toBeAssignableTo<typeof UploadPart.UploadPart.Encoded>()
  })

  test("its ids have different brands", () => {
    expect<UploadPart.UploadPart["id"]>().type.toBe<PartId>()
    expect<UploadPart.UploadPart["uploadId"]>().type.toBe<UploadId>()
    expect<PartId>().type.not.toBeAssignableTo<UploadId>()
    expect<string>().type.not.toBeAssignableTo<PartId>()
  })
})
