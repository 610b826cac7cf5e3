#!/usr/bin/env node
/**
 * The command. Where Node can keep compiled code (from 22.8), the second start needs two thirds of the time of the first.
 */
import * as Module from "node:module"

if ("enableCompileCache" in Module && typeof Module.enableCompileCache === "function") Module.enableCompileCache()
await import("./program.js")
