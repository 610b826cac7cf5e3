import { FileObject } from "@effect-uploads/domain/FileObject"
import { Upload } from "@effect-uploads/domain/Upload"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import { DeleteFileResponse } from "@effect-uploads/http/DeleteFile"
import { ListFilesResponse } from "@effect-uploads/http/ListFiles"
import { UploadsApi } from "@effect-uploads/http/UploadsApi"
import * as OpenApi from "@effect/platform/OpenApi"
import { describe, expect, it } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Content, JsonSchema, Operation } from "./fixtures/published.js"
import { operations, schemas } from "./fixtures/published.js"
import { anyValue, everyChoice } from "./fixtures/values.js"

const document = OpenApi.fromApi(UploadsApi, { additionalPropertiesStrategy: "allow" })

// -----------------------------------------------------------------------------------------------------------------
// Values that our document accepts
// -----------------------------------------------------------------------------------------------------------------

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })

/** Compiles a schema with its components. Formats such as `binary` are not validated. */
const validator = (schema: object, components: object) => {
  const validate = ajv.compile({ ...schema, components })
  return (value: unknown): ReadonlyArray<string> =>
    validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

/** Expects our schema to accept every value of the published one. */
const accepts = (ours: unknown, published: JsonSchema, samples: ReadonlyArray<unknown> = [], key = "") => {
  const problems = validator(Predicate.isRecord(ours) ? ours : expect.fail("it is not described"), document.components)
  for (const value of [...samples, ...everyChoice(published, key)]) {
    expect({ value, problems: problems(value) }).toEqual({ value, problems: [] })
  }
  FastCheck.assert(FastCheck.property(anyValue(published, key), (value) => {
    expect(problems(value)).toEqual([])
  }))
}

const get = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce((value: unknown, key) => Predicate.hasProperty(value, key) ? value[key] : undefined, value)

const entries = (value: unknown): ReadonlyArray<readonly [string, unknown]> =>
  Predicate.isRecord(value) ? Object.entries(value) : []

const ours = ({ method, path }: Operation) => get(document.paths, path, method)

const schemaOf = (body: unknown, { mediaType }: Pick<Content, "mediaType">) => get(body, "content", mediaType, "schema")

/** The schema that decodes the response of each operation. */
const responses: Readonly<Record<string, Schema.Schema.AnyNoContext>> = {
  createUpload: Upload,
  addUploadPart: UploadPart,
  completeUpload: Upload,
  cancelUpload: Upload,
  listFiles: ListFilesResponse,
  createFile: FileObject,
  retrieveFile: FileObject,
  deleteFile: DeleteFileResponse
}

/** The error statuses of a single operation. */
const ownStatuses: Readonly<Record<string, ReadonlyArray<number>>> = {
  createUpload: [413, 415],
  addUploadPart: [413, 415],
  completeUpload: [413, 415],
  createFile: [415],
  downloadFile: [412, 416]
}

/** Our types require what the published schemas do not: a completed Upload has its File, and a purpose is not empty. */
const isConsistent = (response: unknown): boolean =>
  get(response, "purpose") !== "" &&
  (get(response, "status") !== "completed" || Predicate.isRecord(get(response, "file")))

describe("the published document", () => {
  it("accepts the values and samples that these tests generate from it", () => {
    const open = Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [name, { ...schema, additionalProperties: true }])
    )
    for (const { request, response } of operations) {
      for (const { schema } of request === undefined ? [response] : [request, response]) {
        const problems = validator(schema, { schemas: open })
        for (const value of everyChoice(schema)) expect(problems(value)).toEqual([])
        FastCheck.assert(FastCheck.property(anyValue(schema), (value) => {
          expect(problems(value)).toEqual([])
        }))
      }
    }
  })
})

describe("the generated document", () => {
  it("has the published operations and no others", () => {
    const named = (path: string, method: string, operationId: unknown) => `${method} ${path} ${String(operationId)}`
    const generated = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => named(path, method, get(operation, "operationId")))
    )
    expect(generated.sort()).toEqual(
      operations.map(({ method, operationId, path }) => named(path, method, operationId)).sort()
    )
  })

  for (const operation of operations) {
    describe(operation.operationId, () => {
      it("has the published parameters", () => {
        const generated = get(ours(operation), "parameters")
        const facts = (parameters: unknown) =>
          Array.isArray(parameters)
            ? parameters.map((parameter) => [get(parameter, "in"), get(parameter, "name"), get(parameter, "required")])
            : parameters
        expect(facts(generated)).toEqual(facts(operation.parameters))
        for (const [index, { name, schema }] of operation.parameters.entries()) {
          const described = get(get(generated, String(index)), "schema")
          accepts(described, schema, [], name)
          expect(get(described, "default")).toEqual(schema.default)
          expect(get(described, "enum")).toEqual(schema.enum)
        }
      })

      const { request, response } = operation
      it("accepts every published request", () => {
        const generated = get(ours(operation), "requestBody")
        if (request === undefined) return expect(generated).toBeUndefined()
        expect(get(generated, "required")).toBe(true)
        accepts(schemaOf(generated, request), request.schema, request.samples)
      })

      it("describes every published response", () => {
        const generated = get(ours(operation), "responses", "200")
        // Published as a JSON string. The real service sends the bytes, and so do the routes.
        const mediaType = operation.operationId === "downloadFile" ? "application/octet-stream" : response.mediaType
        accepts(schemaOf(generated, { mediaType }), response.schema, response.samples)
      })

      it("has no other success status, except 206 of a download", () => {
        const statuses = entries(get(ours(operation), "responses")).map(([status]) => Number(status))
        expect(statuses.filter((status) => status < 400)).toEqual(
          operation.operationId === "downloadFile" ? [200, 206] : [200]
        )
      })

      it("describes the published error response for each error status", () => {
        const responses = entries(get(ours(operation), "responses")).filter(([status]) => Number(status) >= 400)
        const statuses = [400, 401, 403, 404, 429, 502, 503, 504, ...ownStatuses[operation.operationId] ?? []]
        expect(responses.map(([status]) => Number(status)).sort((a, b) => a - b)).toEqual(
          statuses.sort((a, b) => a - b)
        )
        for (const [, response] of responses) {
          const schema = schemaOf(response, { mediaType: "application/json" })
          expect(JSON.stringify(schema)).toContain("#/components/schemas/ErrorEnvelope")
          accepts(schema, { $ref: "#/components/schemas/ErrorResponse" })
        }
      })

      const decoded = responses[operation.operationId]
      if (decoded !== undefined) {
        it("decodes every published response", () => {
          const read = Schema.decodeUnknownEither(decoded)
          const values = [
            ...response.samples ?? [],
            ...everyChoice(response.schema),
            ...FastCheck.sample(anyValue(response.schema), 200)
          ]
          expect(values.filter((value) => isConsistent(value) && Either.isLeft(read(value)))).toEqual([])
        })
      }
    })
  }

  it("names its components as the API does, each once", () => {
    const components = Object.entries(document.components.schemas)
    const names = components.map(([name]) => name)
    for (const name of names) expect(name).toMatch(/^[A-Z][A-Za-z]+$/)
    expect(names).toEqual(expect.arrayContaining([
      "CompleteUploadRequest",
      "CreateUploadRequest",
      "DeleteFileResponse",
      "File",
      "ListFilesResponse",
      "Upload",
      "UploadPart"
    ]))
    expect(new Set(components.map(([, schema]) => JSON.stringify(schema))).size).toBe(components.length)
  })

  it("describes a file as a binary field of multipart/form-data", () => {
    expect(
      get(
        document.paths,
        "/files",
        "post",
        "requestBody",
        "content",
        "multipart/form-data",
        "schema",
        "properties",
        "file"
      )
    ).toEqual({ type: "string", format: "binary" })
  })

  it("describes a part as a binary field of multipart/form-data", () => {
    expect(get(document.paths, "/uploads/{upload_id}/parts", "post", "requestBody", "content")).toEqual({
      "multipart/form-data": {
        schema: {
          type: "object",
          required: ["data"],
          properties: { data: { type: "string", format: "binary" } },
          additionalProperties: true
        }
      }
    })
  })
})
