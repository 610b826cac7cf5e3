import { ErrorResponse, formatMessage } from "@effect-uploads/domain/ErrorResponse"
import { describe, expect, it } from "@effect/vitest"

describe("ErrorResponse", () => {
  it("leaves the message unchanged when there is no response", () => {
    expect(formatMessage("Too large", undefined)).toBe("Too large")
  })

  it.each([
    [{ status: 404 }, "Not found (status 404)"],
    [{ status: 404, message: "No such Upload" }, "Not found (status 404: No such Upload)"],
    [
      { status: 400, code: "bad", requestId: "req_1", message: "No" },
      "Not found (status 400, code bad, request req_1: No)"
    ],
    [{ status: 502, excerpt: "<html>" }, "Not found (status 502: <html>)"],
    [{ status: 500, message: "Oops", excerpt: "{}" }, "Not found (status 500: Oops)"],
    [{ status: 400, type: "invalid_request_error", param: "bytes" }, "Not found (status 400)"],
    // Our routes send the message of the typed error, so it appears only once.
    [{ status: 404, message: "Not found" }, "Not found (status 404)"]
  ])("formats %j as %j", (fields, message) => {
    expect(formatMessage("Not found", new ErrorResponse(fields))).toBe(message)
  })
})
