import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'

/** Takes whatever comes, and does nothing with it: what the attack costs the one who sends it. */
const sip = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 }).bind(0, '127.0.0.1')
await once(sip, 'listening')
const tcp = createServer((request, answer) => {
  request.resume()
  request.on('end', () => answer.end('{}'))
})
tcp.on('clientError', (_, socket) => socket.destroy())
tcp.listen(0, '127.0.0.1')
await once(tcp, 'listening')
process.send?.({ sipPort: sip.address().port, apiPort: (tcp.address() as { port: number }).port })
