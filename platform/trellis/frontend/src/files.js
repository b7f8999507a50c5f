// <crm-files>: files are dropped or chosen, looked at and taken back before the form is sent.
// <crm-signature>: a signature is drawn; it goes into the same file input as an uploaded one.
// Both only fill the <input type=file> that the server has written: without them it works too.

/** Puts files into an input, as if they had been chosen; the form hears of it. */
function fill(input, files) {
  const transfer = new DataTransfer()
  for (const file of files) transfer.items.add(file)
  input.files = transfer.files
  input.dispatchEvent(new Event('input', { bubbles: true }))
}

class Files extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector('input[type=file]')
    if (!this.input || this.list) return
    this.chosen = []
    this.list = document.createElement('ul')
    this.list.className = 'held-files'
    this.list.hidden = true
    this.append(this.list)
    this.classList.add('ready')
    const drop = this.querySelector('.drop')
    this.input.addEventListener('change', () => this.add(this.input.files))
    for (const kind of ['dragenter', 'dragover'])
      drop.addEventListener(kind, event => { event.preventDefault(); drop.classList.add('over') })
    drop.addEventListener('dragleave', () => drop.classList.remove('over'))
    drop.addEventListener('drop', event => {
      event.preventDefault()
      drop.classList.remove('over')
      this.add(event.dataTransfer.files)
    })
  }

  add(files) {
    const added = [...files]
    this.chosen = this.input.multiple ? [...this.chosen, ...added] : added.slice(-1)
    this.show()
  }

  show() {
    fill(this.input, this.chosen)
    this.list.hidden = !this.chosen.length
    this.list.replaceChildren(...this.chosen.map(file => this.line(file)))
  }

  line(file) {
    const line = document.createElement('li')
    if (/^image\/(png|jpeg|webp|gif)$/.test(file.type)) {
      const image = document.createElement('img')
      image.src = URL.createObjectURL(file)
      image.onload = () => URL.revokeObjectURL(image.src)
      image.alt = ''
      line.append(image)
    }
    const name = document.createElement('span')
    name.className = 'truncate'
    name.textContent = file.name
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'button ghost small'
    button.textContent = this.getAttribute('remove')
    button.setAttribute('aria-label', `${this.getAttribute('remove')}: ${file.name}`)
    button.onclick = () => {
      this.chosen = this.chosen.filter(other => other !== file)
      this.show()
      this.input.focus()
    }
    line.append(name, button)
    return line
  }
}

const INK = '#10233f'

class Signature extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector('input[type=file]')
    if (!this.input || this.canvas) return
    const pad = document.createElement('div')
    pad.className = 'pad'
    this.canvas = document.createElement('canvas')
    this.canvas.setAttribute('role', 'img')
    this.canvas.setAttribute('aria-label', this.getAttribute('label'))
    this.hint = document.createElement('span')
    this.hint.textContent = this.getAttribute('label')
    const clear = document.createElement('button')
    clear.type = 'button'
    clear.className = 'button ghost small'
    clear.textContent = this.getAttribute('clear')
    clear.onclick = () => this.clear()
    pad.append(this.canvas, this.hint, clear)
    this.prepend(pad)
    this.canvas.addEventListener('pointerdown', event => this.begin(event))
    this.canvas.addEventListener('pointermove', event => this.draw(event))
    for (const kind of ['pointerup', 'pointercancel']) this.canvas.addEventListener(kind, () => this.end())
    this.input.addEventListener('change', () => this.look(this.input.files[0]))
    this.classList.add('ready')
  }

  /** An uploaded picture is shown where one would draw. */
  async look(file) {
    this.wipe()
    const picture = file && await createImageBitmap(file).catch(() => null)
    this.hint.textContent = file && !picture ? file.name : this.getAttribute('label')
    if (!picture) return
    this.prepare()
    this.hint.hidden = true
    const { width, height } = this.canvas.getBoundingClientRect()
    const fit = Math.min(width / picture.width, height / picture.height, 1)
    this.pen.drawImage(picture, (width - picture.width * fit) / 2, (height - picture.height * fit) / 2, picture.width * fit, picture.height * fit)
  }

  /** The canvas has as many pixels as the screen shows, once its size is known. */
  prepare() {
    const { width, height } = this.canvas.getBoundingClientRect()
    const scale = Math.min(devicePixelRatio || 1, 3)
    this.canvas.width = Math.round(width * scale)
    this.canvas.height = Math.round(height * scale)
    this.pen = this.canvas.getContext('2d')
    this.pen.scale(scale, scale)
    this.pen.fillStyle = '#fff'
    this.pen.fillRect(0, 0, width, height)
    Object.assign(this.pen, { strokeStyle: INK, fillStyle: INK, lineWidth: 2.2, lineCap: 'round', lineJoin: 'round' })
  }

  begin(event) {
    if (!this.pen) this.prepare()
    this.canvas.setPointerCapture(event.pointerId)
    this.hint.hidden = this.drawing = true
    this.last = { x: event.offsetX, y: event.offsetY }
    this.pen.beginPath()
    this.pen.arc(event.offsetX, event.offsetY, 1.1, 0, 7)
    this.pen.fill()
  }

  draw(event) {
    if (!this.drawing) return
    const middle = { x: (this.last.x + event.offsetX) / 2, y: (this.last.y + event.offsetY) / 2 }
    this.pen.beginPath()
    this.pen.moveTo(this.last.x, this.last.y)
    this.pen.quadraticCurveTo(this.last.x, this.last.y, middle.x, middle.y)
    this.pen.lineTo(event.offsetX, event.offsetY)
    this.pen.stroke()
    this.last = { x: event.offsetX, y: event.offsetY }
  }

  end() {
    if (!this.drawing) return
    this.drawing = false
    this.canvas.toBlob(blob => fill(this.input, [new File([blob], 'signature.png', { type: 'image/png' })]), 'image/png')
  }

  wipe() {
    this.pen = undefined
    this.canvas.width = this.canvas.width
    this.hint.hidden = false
  }

  clear() {
    this.wipe()
    this.hint.textContent = this.getAttribute('label')
    fill(this.input, [])
  }
}

customElements.define('crm-files', Files)
customElements.define('crm-signature', Signature)
