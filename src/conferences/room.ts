import { cleanUp, type AriNode } from '../ari/connection.ts'
import { ignoreConflict } from '../calls/bridge.ts'
import type { PartStore } from '../calls/parts.ts'
import { now } from '../database.ts'
import type { WriteBehind } from '../database/write-behind.ts'
import type { Logger } from '../log.ts'
import type { Sounds } from '../media/sounds.ts'
import type { Transcribes, TranscribeOptions } from '../media/transcribes.ts'
import { Announcer } from './announcer.ts'
import type { LeaveReason, Member } from './member.ts'
import { leaveEmpty } from './meetings.ts'
import { Recorder } from './recorder.ts'
import type { ConferenceRow, ConferencecallRow } from './row.ts'
import { soundOf, type Sound } from './sound.ts'

/** What a meeting needs of the house around it. */
export interface RoomHouse {
  readonly store: PartStore
  readonly sounds: Sounds
  readonly transcribes: Pick<Transcribes, 'start' | 'stop'>
  readonly writes: WriteBehind
  readonly log: Logger
}

/**
 * The meeting of a conference at one Asterisk, from the first participant to the last. How each channel has to be follows
 * from who is there (soundOf); `settle` makes it so, as often as something has changed.
 */
export class Room {
  readonly members = new Map<string, Member>()
  readonly announcer: Announcer
  readonly recorder: Recorder
  /** How what its participants say is written down, those that come later too; undefined: it is not. */
  transcribing: TranscribeOptions | undefined
  /** Each meeting is recorded from its beginning, and not again when somebody has ended that. */
  hasBegun = false
  #isDirty = false
  #settling: Promise<void> | undefined
  #opened: Promise<void> | undefined
  #limit: NodeJS.Timeout | undefined
  /** That the last one has left is in MySQL. */
  #stored: Promise<void> = Promise.resolve()

  constructor(
    readonly house: RoomHouse,
    readonly node: AriNode,
    public settings: ConferenceRow,
  ) {
    const { bridge_id } = settings
    this.announcer = new Announcer(node, bridge_id)
    this.recorder = new Recorder(node, bridge_id, house.store, house.log)
  }

  get bridgeId(): string {
    return this.settings.bridge_id
  }

  get hasModerator(): boolean {
    return [...this.members.values()].some(({ row }) => row.moderator)
  }

  /** Makes what the meeting is in; what is there already stays as it is. */
  open(): Promise<void> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = undefined
      throw error
    })
    return this.#opened
  }

  async #open(): Promise<void> {
    const { bridgeId, node, settings } = this
    // video_sfu keeps it a softmix bridge with any number of channels: it is never made anew, which all would hear.
    await node.ari.bridges.createWithId({ bridgeId, type: 'mixing,video_sfu' }).catch(ignoreConflict)
    // Without it the end of a recording is not always told (Asterisk 22.10.1).
    await cleanUp([
      node.ari.applications.subscribe({ applicationName: node.application, eventSource: `bridge:${bridgeId}` }),
    ])
    if (settings.timeout === 0) return
    const left = Date.parse(settings.tm_start ?? now()) + settings.timeout * 1000 - Date.now()
    this.#limit = setTimeout(() => void this.end('ended'), Math.min(Math.max(0, left), 2 ** 31 - 1))
  }

  /** Makes every channel be as it has to. Resolves when they are. */
  settle(): Promise<void> {
    this.#isDirty = true
    this.#settling ??= this.#settleAll()
    return this.#settling
  }

  async #settleAll(): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false
      const all = [...this.members.values()].map((member) => this.#apply(member))
      for (const result of await Promise.allSettled(all))
        if (result.status === 'rejected')
          this.house.log.warn({ err: result.reason as Error }, 'a participant could not be put into the conference')
    }
    // Here and not later: whoever changes something in the next moment has to begin anew.
    this.#settling = undefined
  }

  async #apply(member: Member): Promise<void> {
    const sound = this.#soundOf(member)
    if (sound.muted) this.#tellTalking(member, false)
    await member.apply(sound, this.bridgeId)
  }

  #soundOf({ row }: Member): Sound {
    const { hasModerator, members, settings } = this
    return soundOf(row, { settings, hasModerator, count: members.size })
  }

  /** Stores what has changed of a participant, and tells it. */
  changed(member: Member, what: string, urgency: 'now' | 'soon' = 'now'): Promise<void> {
    const { store, writes } = this.house
    Object.assign(member.row, { tm_update: now() })
    const event = store.eventOf('conferencecall', what, { ...member.row })
    const entries = [['conferencecalls', member.row] as const, ['events', event] as const]
    return writes.store(entries, urgency)
  }

  /** Whose sound is taken off is not shown as talking: Asterisk hears them no more, and says nothing of an end. */
  talks(member: Member, talking: boolean): void {
    this.#tellTalking(member, talking && !this.#soundOf(member).muted)
  }

  #tellTalking(member: Member, talking: boolean): void {
    if (member.row.talking === talking || member.row.tm_end !== null) return
    member.row.talking = talking
    this.#note(this.changed(member, talking ? 'talking_started' : 'talking_stopped', 'soon'))
  }

  /** Changes a participant, where that is a change. */
  async set(member: Member, values: Partial<Member['row']>): Promise<void> {
    const { row } = member
    const isChange = Object.entries(values).some(([name, value]) => row[name as keyof typeof row] !== value)
    if (!isChange) return
    Object.assign(row, values)
    const stored = this.changed(member, 'updated')
    await this.settle()
    await stored
  }

  /** Sends everybody out. */
  async end(reason: LeaveReason): Promise<void> {
    if (this.members.size > 0) await this.announcer.play('sound:confbridge-conf-end')
    for (const member of this.members.values()) member.leave(reason)
  }

  /** Takes one out whose time is over; who was the last is the meeting's end. */
  async remove(member: Member): Promise<void> {
    if (this.members.get(member.row.id) !== member) return
    this.members.delete(member.row.id)
    member.release()
    if (member.call.isHandedOver) return
    Object.assign(member.row, { status: 'left', talking: false, tm_end: now() })
    this.#stored = this.changed(member, 'left')
    this.#note(this.#stored)
    if (!member.call.hasEnded) await member.detach(this.bridgeId)
    if (!member.call.hasEnded && this.transcribing) this.#note(this.house.transcribes.stop(member.call))
    if (this.members.size > 0) this.#note(this.#left(member))
    else await this.#removeName(member.row)
  }

  async #left({ row }: Member): Promise<void> {
    await this.#tellLeft(row)
    await this.#removeName(row)
  }

  async #removeName({ name_file }: ConferencecallRow): Promise<void> {
    if (name_file !== '') await cleanUp([this.node.ari.recordings.deleteStored({ recordingName: name_file })])
  }

  async #tellLeft(row: ConferencecallRow): Promise<void> {
    const { announcer, hasModerator, settings } = this
    await this.settle()
    if (row.moderator && !hasModerator && settings.after_moderator === 'end') {
      await announcer.play('sound:conf-leaderhasleft')
      return this.end('ended')
    }
    const { announce } = settings
    if (announce === 'name') await this.#announceName(row, 'conf-hasleft')
    else if (announce !== 'none') await announcer.play('sound:beeperr')
  }

  announceJoin(row: ConferencecallRow): Promise<void> {
    return this.#announceName(row, 'conf-hasjoin')
  }

  async #announceName({ name_file: file }: ConferencecallRow, what: string): Promise<void> {
    if (file !== '' && this.members.size > 1) await this.announcer.play(`recording:${file},sound:${what}`)
  }

  /** Nobody is in it any more. */
  async close(): Promise<void> {
    clearTimeout(this.#limit)
    await this.recorder.stop()
    await cleanUp([this.node.ari.bridges.destroy({ bridgeId: this.bridgeId })])
    await this.#stored
    await leaveEmpty(this.house.store, this.settings)
  }

  release(): void {
    clearTimeout(this.#limit)
  }

  /** What happens to participants goes on while the database is away; it is stored when it is back. */
  #note(stored: Promise<void>): void {
    stored.catch((err: unknown) => this.house.log.warn({ err: err as Error }, 'a participant could not be stored'))
  }
}
