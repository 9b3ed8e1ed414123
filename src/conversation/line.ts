import { randomUUID } from 'node:crypto'
import { cleanUp, unlessGone } from '../ari/connection.ts'
import { ensureBridge, ignoreConflict } from '../calls/bridge.ts'
import { waitInStasis } from '../calls/in-stasis.ts'
import { livesOn, type Run } from '../calls/run.ts'
import { openMediaChannel } from '../media/media-channel.ts'
import type { Media } from '../voice/media.ts'
import type { Pcm } from '../voice/pcm.ts'

/** The caller and our end of a WebSocket in one bridge: no snoop channel, so nothing is mixed and nothing is late. */
export class Line {
  private constructor(
    readonly run: Run,
    readonly bridgeId: string,
    readonly channelId: string,
    readonly media: Media,
  ) {}

  /** `place` is the same after a crash: what is left in the bridge then, but for the caller, is removed. */
  static async open(run: Run, place: string, onSound: (sound: Pcm) => void): Promise<Line> {
    const { call, signal } = run
    const { ari } = call.node
    const bridgeId = `ai-${place}`
    const left = await unlessGone(ari.bridges.get({ bridgeId }))
    const old = left?.channels.filter((id) => id !== call.channelId) ?? []
    await cleanUp(old.map((channelId) => ari.channels.hangup({ channelId })))
    await ensureBridge(call, bridgeId)
    // The name of a channel is free again only when it is quite gone: a new one each time.
    const channelId = `ai_media-${place}-${randomUUID().slice(0, 8)}`
    let media: Media | undefined
    try {
      await waitInStasis({ call, signal, recovered: false }, channelId, async () => {
        media = await openMediaChannel(call.node, channelId, onSound, signal)
      })
      const line = new Line(run, bridgeId, channelId, media!)
      await line.join()
      return line
    } catch (error) {
      media?.close()
      throw error
    }
  }

  /** The caller hears the AI, again where they were with somebody else. */
  async join(): Promise<void> {
    const { call } = this.run
    const channel = `${call.channelId},${this.channelId}`
    await call.node.ari.bridges.addChannel({ bridgeId: this.bridgeId, channel }).catch(ignoreConflict)
  }

  /** The caller hears nothing of the AI, which hears nothing of them. */
  async part(): Promise<void> {
    const { call } = this.run
    await cleanUp([call.node.ari.bridges.removeChannel({ bridgeId: this.bridgeId, channel: call.channelId })])
  }

  async close(): Promise<void> {
    this.media.close()
    if (livesOn(this.run)) return
    const { ari } = this.run.call.node
    await cleanUp([ari.bridges.destroy({ bridgeId: this.bridgeId })])
  }
}
