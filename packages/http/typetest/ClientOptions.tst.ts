import * as ClientOptions from "@effect-uploads/http/ClientOptions"
import type { RetryPolicy } from "@effect-uploads/http/RetryPolicy"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as Config from "effect/Config"
import type * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import { describe, expect, test } from "tstyche"

declare const secret: Redacted.Redacted
declare const secretNumber: Redacted.Redacted<number>
declare const retryPolicy: RetryPolicy
declare const ofNumbers: Schedule.Schedule<number, number>
declare const transform: (client: HttpClient.HttpClient) => HttpClient.HttpClient
declare const widening: (
  client: HttpClient.HttpClient
) => HttpClient.HttpClient.With<HttpClientError.HttpClientError | "another error">

describe("ClientOptions", () => {
  test("may all be left out, or be undefined", () => {
    expect(UploadsClient.layer).type.toBeCallableWith({})
    expect(UploadsClient.layer).type.toBeCallableWith({
      apiKey: undefined,
      apiUrl: undefined,
      organizationId: undefined,
      projectId: undefined,
      transformClient: undefined,
      retryPolicy: undefined,
      attemptTimeout: undefined,
      partBody: undefined
    })
    expect(UploadsClient.layer).type.toBeCallableWith({
      apiKey: secret,
      apiUrl: "https://uploads.example/v1",
      organizationId: secret,
      projectId: secret,
      transformClient: transform,
      retryPolicy,
      attemptTimeout: "5 minutes",
      partBody: "blob"
    })
  })

  test("a secret is redacted, never plain text", () => {
    expect(UploadsClient.layer).type.not.toBeCallableWith({ apiKey: "sk-plain" })
    expect(UploadsClient.layer).type.not.toBeCallableWith({ apiKey: secretNumber })
    expect(UploadsClient.layer).type.not.toBeCallableWith({ organizationId: "org-plain" })
    expect(UploadsClient.layer).type.not.toBeCallableWith({ projectId: "proj-plain" })
    expect<ClientOptions.ClientOptions["apiKey"]>().type.toBe<Redacted.Redacted | undefined>()
  })

  test("take nothing else", () => {
    expect(UploadsClient.layer).type.not.toBeCallableWith({ apikey: secret })
    expect(UploadsClient.layer).type.not.toBeCallableWith({ partBody: "bytes" })
    expect(UploadsClient.layer).type.not.toBeCallableWith({ attemptTimeout: "5 moments" })
    expect(UploadsClient.layer).type.not.toBeCallableWith({ retryPolicy: ofNumbers })
    expect(UploadsClient.layer).type.not.toBeCallableWith({ transformClient: widening })
  })
})

describe("ClientOptionsConfig", () => {
  test("names other sources of what differs between environments", () => {
    expect(UploadsClient.layerConfig).type.toBeCallableWith({
      apiKey: Config.redacted("MY_KEY"),
      apiUrl: Config.string("MY_URL"),
      organizationId: Config.succeed(undefined),
      projectId: Config.succeed(undefined),
      partBody: "blob"
    })
    expect(UploadsClient.layerConfig).type.toBeCallableWith({ apiKey: Config.succeed(undefined) })
  })

  test("a secret is redacted, never plain text", () => {
    expect(UploadsClient.layerConfig).type.not.toBeCallableWith({ apiKey: Config.string("MY_KEY") })
    expect(UploadsClient.layerConfig).type.not.toBeCallableWith({ apiKey: secret })
  })

  test("is read as ClientOptions", () => {
    expect(ClientOptions.fromConfig()).type.toBe<Config.Config<ClientOptions.ClientOptions>>()
  })
})
