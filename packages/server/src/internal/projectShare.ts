import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { PermissionDenied, RateLimited } from "@effect-uploads/http/ServiceError"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import type { Limits } from "../Project.js"
import type { Usage } from "../UploadRepository.js"

/** The place of a pending Upload becomes free when it is completed or cancelled, or expires. */
const retryAfter = Duration.minutes(1)

/** Whether the project may store `bytes` more. The official clients do not send a 403 again. */
export const checkStoredBytes = (
  storedBytes: number,
  bytes: number,
  { storedBytes: limit }: Limits
): Either.Either<void, PermissionDenied> =>
  storedBytes + bytes <= limit ? Either.void : Either.left(
    new PermissionDenied({
      response: new ErrorResponse({
        status: 403,
        type: "invalid_request_error",
        code: "project_storage_exceeded",
        message: `The project stores ${storedBytes} bytes and may store ${limit}: ${bytes} bytes more do not fit. ` +
          "Delete Files or cancel Uploads."
      })
    })
  )

/** Whether the project may have one more pending Upload of `bytes`. */
export const checkCreate = (
  usage: Usage,
  bytes: number,
  limits: Limits
): Either.Either<void, PermissionDenied | RateLimited> =>
  usage.pendingUploads < limits.pendingUploads
    ? checkStoredBytes(usage.storedBytes, bytes, limits)
    : Either.left(
      new RateLimited({
        retryAfter,
        response: new ErrorResponse({
          status: 429,
          type: "rate_limit_error",
          code: "too_many_pending_uploads",
          message: `The project has ${usage.pendingUploads} pending Uploads, and may have ${limits.pendingUploads}. ` +
            "Complete or cancel some of them."
        })
      })
    )
