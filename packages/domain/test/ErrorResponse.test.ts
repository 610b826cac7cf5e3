import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { describe, expect, it } from "@effect/vitest"

describe("ErrorResponse", () => {
  it.each([
    [{ status: 404 }, "status 404"],
    [{ status: 404, message: "No such Upload" }, "status 404: No such Upload"],
    [{ status: 400, code: "bad", requestId: "req_1", message: "No" }, "status 400, code bad, request req_1: No"],
    [{ status: 502, excerpt: "<html>" }, "status 502: <html>"],
    [{ status: 500, message: "Oops", excerpt: "{}" }, "status 500: Oops"],
    [{ status: 500, message: "" }, "status 500"],
    [{ status: 400, type: "invalid_request_error", param: "bytes" }, "status 400"]
  ])("%j is summed up as %j", (fields, summary) => {
    expect(new ErrorResponse(fields).summary).toBe(summary)
  })
})
