import { suite } from "@effect-uploads/http/test/contract"
import { hop } from "@effect-uploads/http/test/server"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describePostgres } from "./support/postgres.js"
import { durable, durableOn } from "./support/stores.js"

suite("durable on SQLite", durable)
suite("Node client → routes → durable on SQLite", hop(durable, NodeHttpClient.layer))
describePostgres("PostgreSQL", (database) => suite("durable", durableOn(database)))
