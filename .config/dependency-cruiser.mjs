/**
 * The imports that are allowed between packages, folders and modules. Run by `pnpm check:imports`.
 *
 * dependency-cruiser, because madge finds circles only. Type-only imports count too, because a reader has to follow them as
 * well.
 */

/** The published packages, each with those that it may import. A package that is not listed here is private. */
const imports = {
  domain: [],
  http: ["domain"],
  transfer: ["domain", "http"],
  server: ["domain", "http"],
  cli: ["domain", "http", "transfer"]
}

const one = (...names) => `(${names.join("|")})`
const src = (name) => `^packages/${name}/src/`

/** The rooms of `http`: a folder of `internal`, and the public modules that it serves. */
const rooms = {
  client: `${src("http")}(internal/client/|${
    one("UploadsClient", "FilesClient", "NodeUploadsHttpClient", "BrowserUploadsHttpClient")
  }[.]ts$)`,
  routes: `${src("http")}(internal/routes/|UploadsRoutes[.]ts$)`,
  memory: `${src("http")}(internal/memory/|${one("UploadsMemory", "FilesMemory")}[.]ts$)`
}

/** The page that the server sends to browsers. */
const page = "^packages/server/page/"

/** Modules that hold an interface and its tag. */
const interfaces = [
  `${src("http")}${one("UploadsService", "FilesService")}[.]ts$`,
  `${src("server")}${one("UploadRepository", "PartStorage")}[.]ts$`
]

/** Modules that hold an implementation of one of them, and what only implementations use. */
const implementations = [
  rooms.client,
  rooms.routes,
  rooms.memory,
  `${src("http")}internal/multipart/`,
  `${src("server")}${one("DurableUploads", "DurableFiles", "SqlUploadRepository", "FilePartStorage", "Server")}[.]ts$`,
  `${src("server")}internal/`
]

/** `index.ts` names every module, so it imports upwards by design. */
const index = "/src/index[.]ts$"

export default {
  forbidden: [
    {
      name: "no-circles",
      comment: "Two modules that import each other are one module: move what both need into a third.",
      severity: "error",
      from: {},
      to: { circular: true }
    },
    {
      name: "every-import-resolves",
      comment: "The rules below see only what is found on disk.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true }
    },
    ...Object.entries(imports).map(([name, allowed]) => ({
      name: `${name}-imports-no-package-above-it`,
      comment: `packages/${name} imports ${allowed.length === 0 ? "no other package" : allowed.join(" and ")}.`,
      severity: "error",
      from: { path: src(name) },
      to: { path: "^packages/", pathNot: [name, ...allowed].map((other) => `^packages/${other}/`) }
    })),
    {
      name: "published-imports-no-private-package",
      comment: "What is published cannot import bench and examples.",
      severity: "error",
      from: { path: "^packages/", pathNot: "^packages/(bench|examples)/" },
      to: { path: "^packages/(bench|examples)/" }
    },
    {
      name: "packages-meet-at-their-exports",
      comment: "Import another package by its name, as its users do: `@effect-uploads/http/UploadsService`.",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: { path: "^packages/", pathNot: "^packages/$1/", dependencyTypes: ["local"] }
    },
    {
      name: "internal-stays-internal",
      comment: "Only the package that has an internal module imports it.",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: { path: "^packages/[^/]+/src/internal/", pathNot: "^packages/$1/" }
    },
    {
      name: "sources-import-no-tests",
      comment: "What is published has no tests in it.",
      severity: "error",
      from: { path: "^packages/(domain|http|transfer|server|cli)/src/" },
      to: { path: "^packages/[^/]+/(test|typetest)/" }
    },
    {
      name: "modules-import-no-index",
      comment: "index.ts loads every module of its package: import the one that is meant.",
      severity: "error",
      from: { path: "^packages/[^/]+/src/" },
      to: { path: index }
    },
    ...Object.entries(rooms).map(([name, room]) => ({
      name: `http-${name}-is-a-room-of-its-own`,
      comment: "Client, routes and memory do not import each other: what two of them need stands beside them.",
      severity: "error",
      from: { path: room },
      to: { path: Object.values(rooms).filter((other) => other !== room) }
    })),
    {
      name: "interfaces-know-no-implementation",
      comment: "A program that needs the tag alone loads the tag alone, by whatever chain of imports.",
      severity: "error",
      from: { path: interfaces },
      to: { path: implementations, reachable: true }
    },
    {
      name: "server-needs-no-client",
      comment: "The server is the other end of the wire, by whatever chain of imports.",
      severity: "error",
      from: { path: src("server") },
      to: { path: rooms.client, reachable: true }
    },
    {
      name: "page-is-a-client",
      comment: "The page of the server runs in a browser: it imports what any web page could, and nothing imports it.",
      severity: "error",
      from: { path: page },
      to: { path: "^packages/", pathNot: [page, ...["domain", "http", "transfer"].map((name) => `^packages/${name}/`)] }
    },
    {
      name: "nothing-imports-the-page",
      comment: "The server sends the page as a file: bundle.ts builds it.",
      severity: "error",
      from: { path: "^packages/", pathNot: page },
      to: { path: page }
    }
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^packages/[^/]+/(dist|build)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "node", "default"] }
  }
}
