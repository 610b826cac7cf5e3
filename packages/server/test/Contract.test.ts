import { suite } from "@effect-uploads/http/test/contract"
import { hop } from "@effect-uploads/http/test/server"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { durable } from "./support/stores.js"

suite("durable", durable)
suite("Node client → routes → durable", hop(durable, NodeHttpClient.layer))
