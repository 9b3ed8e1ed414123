import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type { Server, ServerRoute } from '@hapi/hapi'
import Joi from 'joi'
import type { Resource } from '../resources/index.ts'
import { describeApi } from './openapi.ts'

/** Swagger UI from its package, so the page works where there is no way out. */
const ui = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Hashdial API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`
const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null })\n`

/** Nothing but what is here, and nobody may frame it: the page holds access keys. `data:` are the icons of its style sheet. */
const policy = [
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'",
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
].join('; ')

export function docsRoutes(server: Server, resources: readonly Resource[]): ServerRoute[] {
  let description: object | undefined
  const file = Joi.valid('swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png')
  const open = { auth: false } as const
  return [
    {
      ...{ method: 'GET', path: '/openapi.json', options: open },
      handler: () => (description ??= describeApi(server.table(), resources)),
    },
    {
      ...{ method: 'GET', path: '/docs', options: open },
      handler: (_request, h) => h.response(page).type('text/html').header('content-security-policy', policy),
    },
    {
      ...{ method: 'GET', path: '/docs/start.js', options: open },
      handler: (_request, h) => h.response(start).type('text/javascript'),
    },
    {
      ...{ method: 'GET', path: '/docs/{file}' },
      options: {
        ...open,
        validate: { params: Joi.object({ file }), failAction: (_request, h) => h.response().code(404).takeover() },
        files: { relativeTo: ui },
      },
      handler: (request, h) => h.file((request.params as { file: string }).file, { confine: ui }),
    },
  ]
}
