// /api/docs: Swagger UI over the reader's own OpenAPI document; requests go with the session.
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'

// Swagger UI knows English alone: what it says is put into Chinese as it appears.
const CHINESE = {
  'Authorize': '授权', 'Servers': '服务器', 'Try it out ': '试一试', 'Try it out': '试一试', 'Cancel': '取消', 'Reset': '重置',
  'Execute': '执行', 'Clear': '清除', 'Parameters': '参数', 'No parameters': '没有参数', 'Name': '名称', 'Description': '说明',
  'Request body': '请求正文', 'Responses': '响应', 'Code': '状态码', 'Links': '链接', 'No links': '没有链接', 'Media type': '媒体类型',
  'Examples': '示例', 'Example Value': '示例值', 'Schema': '结构', 'Example': '示例', 'Response body': '响应正文', 'Details': '详情',
  'Response headers': '响应头', 'Request URL': '请求地址', 'Server response': '服务器响应', 'Download': '下载', 'required': '必填',
  'Loading': '加载中', 'Close': '关闭', 'Logout': '退出', 'Available authorizations': '可用的授权方式', 'Value:': '值：',
  'Controls ': '由 ', ' header.': ' 请求头控制', 'header.': '请求头控制', 'Add string item': '添加一项', 'Send empty value': '发送空值', 'Copied': '已复制',
}

/** Translates the texts of a part of the page that Swagger UI has written. */
function translate(part) {
  const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const text = CHINESE[walker.currentNode.data] ?? CHINESE[walker.currentNode.data.trim()]
    if (text && !walker.currentNode.parentElement.closest('pre, code, .opblock-tag')) walker.currentNode.data = text
  }
  for (const input of part.querySelectorAll?.('input[placeholder="Filter by tag or path"]') ?? [])
    input.placeholder = '按标签或路径筛选'
}

const place = document.getElementById('api-docs')
if (place.dataset.language?.startsWith('zh')) {
  const observer = new MutationObserver(changes => {
    for (const change of changes)
      for (const added of change.addedNodes) if (added.nodeType === Node.ELEMENT_NODE) translate(added)
  })
  observer.observe(place, { childList: true, subtree: true })
}
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
