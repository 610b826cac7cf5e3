/**
 * A registry of the packed packages, for this machine alone: the tarballs stand in for the names, so that an install line
 * runs as it is written, and a package finds those of ours that it depends on. All other names come from npm.
 */
import { createHash } from "node:crypto"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Http from "node:http"

export const serve = async (packages) => {
  const entries = new Map(packages.map(({ manifest, tarball }) => {
    const bytes = Fs.readFileSync(tarball)
    const digest = (algorithm, encoding) => createHash(algorithm).update(bytes).digest(encoding)
    const dist = { integrity: `sha512-${digest("sha512", "base64")}`, shasum: digest("sha1", "hex") }
    return [manifest.name, { manifest, bytes, dist, path: `/${dist.shasum}.tgz` }]
  }))
  const server = Http.createServer((request, response) => {
    const path = decodeURIComponent(request.url)
    const tarball = [...entries.values()].find((entry) => entry.path === path)
    if (tarball !== undefined) return response.end(tarball.bytes)
    const entry = entries.get(path.slice(1))
    if (entry === undefined) return response.writeHead(404).end()
    const { dist, manifest } = entry
    const version = { ...manifest, dist: { ...dist, tarball: `http://${request.headers.host}${entry.path}` } }
    const { name } = manifest
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify({
      name,
      "dist-tags": { latest: version.version },
      versions: { [version.version]: version }
    }))
  })
  // No check waits for it.
  server.listen(0, "127.0.0.1").unref()
  await once(server, "listening")
  return `@effect-uploads:registry=http://127.0.0.1:${server.address().port}/\n`
}
