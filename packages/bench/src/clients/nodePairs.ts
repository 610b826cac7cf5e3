/** The requests of create and cancel with the `HttpClient` of `NodeUploads`. */
import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
import { requestPairs } from "./internal/requestPairs.js"

await requestPairs(NodeUploadsHttpClient.layer)
