/** `Transfer.file` with the layers for Node. */
import * as NodeMd5Hasher from "@effect-uploads/transfer/NodeMd5Hasher"
import * as Layer from "effect/Layer"
import { node } from "./internal/node.js"
import { sendFile } from "./internal/transfer.js"

await sendFile(Layer.merge(node, NodeMd5Hasher.layer))
