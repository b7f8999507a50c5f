// /api/docs: Swagger UI over the reader's own OpenAPI document; requests go with the session.
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'

const place = document.getElementById('api-docs')
const csrf = () => document.querySelector('meta[name=csrf]')?.content ?? ''

SwaggerUI({
  domNode: place,
  url: place.dataset.document,
  layout: 'BaseLayout',
  deepLinking: true,
  docExpansion: 'none',
  filter: true,
  defaultModelsExpandDepth: -1,
  validatorUrl: null,
  requestInterceptor: request => {
    request.headers['Accept-Language'] = place.dataset.language
    if (request.method && !['GET', 'HEAD'].includes(request.method.toUpperCase())) request.headers['X-CSRFToken'] = csrf()
    return request
  },
})
