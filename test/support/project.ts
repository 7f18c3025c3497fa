/** Files of the project that are not compiled (fixtures, scripts, pages), from wherever the tests run. */
import { existsSync } from 'node:fs'

/** @param path relative to the folder of package.json; a folder ends in `/` */
export function projectFile(path: string): URL {
  return new URL(path, ROOT)
}

const ROOT = rootOf(new URL('./', import.meta.url))

function rootOf(folder: URL): URL {
  if (existsSync(new URL('package.json', folder))) return folder
  const above = new URL('../', folder)
  if (above.href === folder.href) throw new Error('no package.json above the tests')
  return rootOf(above)
}
