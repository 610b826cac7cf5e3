import { ErrorResponse, explain } from "@effect-uploads/domain/ErrorResponse"
import { describe, expect, it } from "@effect/vitest"

describe("ErrorResponse", () => {
  it("adds nothing where no service was asked", () => {
    expect(explain("Too large", undefined)).toBe("Too large")
  })

  it.each([
    [{ status: 404 }, "Gone (status 404)"],
    [{ status: 404, message: "No such Upload" }, "Gone (status 404: No such Upload)"],
    [{ status: 400, code: "bad", requestId: "req_1", message: "No" }, "Gone (status 400, code bad, request req_1: No)"],
    [{ status: 502, excerpt: "<html>" }, "Gone (status 502: <html>)"],
    [{ status: 500, message: "Oops", excerpt: "{}" }, "Gone (status 500: Oops)"],
    [{ status: 400, type: "invalid_request_error", param: "bytes" }, "Gone (status 400)"],
    // Our own routes say what the error says: once is enough.
    [{ status: 404, message: "Gone" }, "Gone (status 404)"]
  ])("%j is told as %j", (fields, told) => {
    expect(explain("Gone", new ErrorResponse(fields))).toBe(told)
  })
})
