import { idempotencySuite } from "@effect-uploads/http/test/idempotency"
import { describePostgres } from "./support/postgres.js"
import { durable, durableOn } from "./support/stores.js"

idempotencySuite("durable on SQLite", durable)
describePostgres("PostgreSQL", (database) => idempotencySuite("durable", durableOn(database)))
