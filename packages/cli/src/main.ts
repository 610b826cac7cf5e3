#!/usr/bin/env node
/**
 * The command. Node 22.8 and newer keep the compiled code, so later starts take two thirds of the time.
 */
import * as Module from "node:module"

if ("enableCompileCache" in Module && typeof Module.enableCompileCache === "function") Module.enableCompileCache()
await import("./program.js")
