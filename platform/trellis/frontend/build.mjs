// Builds static/dist: hashed bundles, fonts, the icons in use, and manifest.json (entry → file).
// Called by build_hook.py and `python -m trellis.assets`: node build.mjs OUT [--watch]
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, context } from 'esbuild'

const here = path.dirname(fileURLToPath(import.meta.url))
const out = path.resolve(process.argv[2] ?? '../static/dist')
const source = name => path.join(here, 'src', name)

/** tokens.json → custom properties. Dark values are written twice: chosen by hand, and by the system. */
const tokens = {
  name: 'tokens',
  setup(api) {
    api.onLoad({ filter: /tokens\.json$/ }, ({ path: file }) => {
      const { shared, light, dark } = JSON.parse(fs.readFileSync(file, 'utf8'))
      const lines = values => Object.entries(values).map(([name, value]) => `--${name}:${value};`).join('')
      const night = `color-scheme:dark;${lines(dark)}`
      return {
        loader: 'css',
        contents: `:root{color-scheme:light;${lines(shared)}${lines(light)}}
[data-theme=dark]{${night}}
@media (prefers-color-scheme:dark){:root:not([data-theme]){${night}}}`,
        watchFiles: [file],
      }
    })
  },
}

/** Gives name → inner SVG of every icon in src/icons.txt. */
function icons() {
  const names = fs.readFileSync(source('icons.txt'), 'utf8').split(/\s+/).filter(Boolean)
  const inner = name => {
    const file = path.join(here, 'node_modules/lucide-static/icons', `${name}.svg`)
    return fs.readFileSync(file, 'utf8').match(/<svg[^>]*>(.*)<\/svg>/s)[1].replace(/\s+/g, ' ').trim()
  }
  return Object.fromEntries(names.sort().map(name => [name, inner(name)]))
}

const files = {}

/** Writes the manifest after each build, so that a watching build is seen at once. */
const manifest = {
  name: 'manifest',
  setup(api) {
    api.onEnd(({ metafile, errors }) => {
      if (errors.length) return
      for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
        if (entryPoint) files[path.basename(entryPoint)] = path.basename(file)
        else if (/^inter-.*\.woff2$/.test(path.basename(file))) files['inter.woff2'] = path.basename(file)
      }
      fs.copyFileSync(source('favicon.svg'), path.join(out, 'favicon.svg'))
      files['favicon.svg'] = 'favicon.svg'
      fs.writeFileSync(path.join(out, 'icons.json'), JSON.stringify(icons()))
      fs.writeFileSync(path.join(out, 'manifest.json'), JSON.stringify({ files }, null, 1))
    })
  },
}

const options = {
  absWorkingDir: here,
  external: ['node:*'],
  bundle: true,
  minify: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  outdir: out,
  entryNames: '[name]-[hash]',
  chunkNames: 'part-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.woff2': 'file' },
  metafile: true,
  legalComments: 'linked',
  logLevel: 'warning',
  plugins: [tokens, manifest],
}

// Apart from each other, so that pages share no part with what only forms or only Node run.
const entries = [
  ['src/app.js', 'src/app.css', 'src/flask_appbuilder.css'],
  ['src/form_logic.js'],
  ['src/rules.js', 'src/rules_answers.js'],
  ['src/api_docs.js', 'src/api_docs.css'],
]

for (const entryPoints of entries) {
  if (process.argv.includes('--watch')) await (await context({ ...options, entryPoints })).watch()
  else await build({ ...options, entryPoints })
}
