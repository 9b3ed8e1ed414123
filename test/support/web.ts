import type { ExecutionContext } from 'ava'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { wav } from '../../src/voice/wav.ts'

/** A tone as a WAV file. */
export function toneFile(frequency: number, seconds: number, rate = 8_000): Buffer {
  const samples = Int16Array.from(
    { length: seconds * rate },
    (_, index) => 8_000 * Math.sin((2 * Math.PI * frequency * index) / rate),
  )
  return wav({ samples, rate })
}

/** Somebody's web server: /tone/<Hz>/<seconds>/<rate>.wav, and bad things by their name. Answers its address. */
export async function webServer(t: ExecutionContext): Promise<string> {
  const server: Server = createServer((request, response) => {
    const [, what = '', ...values] = (request.url ?? '').split('/')
    if (what === 'tone') {
      const [frequency = 0, seconds = 1, rate = 8_000] = values.map((value) => parseFloat(value))
      response.setHeader('content-type', 'audio/wav').end(toneFile(frequency, seconds, rate))
    } else if (what === 'page') response.setHeader('content-type', 'text/html').end('<html>no sound</html>')
    else if (what === 'redirect') response.writeHead(302, { location: `http://127.0.0.2/${values.join('/')}` }).end()
    else if (what === 'silent') return
    else if (what === 'large') {
      const piece = Buffer.alloc(65_536)
      const more = () => {
        while (!response.destroyed && response.write(piece));
      }
      response.writeHead(200, { 'content-type': 'audio/wav' })
      response.on('drain', more)
      more()
    } else response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
