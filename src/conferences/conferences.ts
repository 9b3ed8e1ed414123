import type { AriNode } from '../ari/connection.ts'
import type { Call } from '../calls/call.ts'
import type { PartKind } from '../calls/parts.ts'
import { livesOn } from '../calls/run.ts'
import { now } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { insertEvents } from '../events/event.ts'
import { idOf } from '../id.ts'
import { playTo } from '../media/playback.ts'
import { CallElsewhere } from '../nodes/elsewhere.ts'
import { adoptMeetings, openRecordings } from './adopt.ts'
import { passDoor, recordName, refuse, tellCount, type Joining } from './door.ts'
import { Member } from './member.ts'
import { findConference, storeLock, takePlace } from './meetings.ts'
import { PinGuard } from './pin-guard.ts'
import { Room, type RoomHouse } from './room.ts'
import type { ConferenceRow, ConferencecallRow } from './row.ts'
import { obey, transcribeMember } from './steering.ts'

export interface JoinOptions {
  conference_id: string
  /** The flow has decided that they are one: no PIN is asked. */
  moderator?: boolean
  muted?: boolean
}

/** The conferences that meet at the Asterisks of this process. */
export class Conferences implements PartKind {
  readonly #rooms = new Map<string, Room>()
  readonly #closing = new Map<string, Promise<void>>()
  /** How many are about to come into each. */
  readonly #entering = new Map<string, number>()
  readonly #guard = new PinGuard((id) => void this.#tellGuessed(id))

  constructor(readonly house: RoomHouse) {}

  /** Resolves when they are out, by their own wish or somebody else's. Throws a HashdialError where they do not get in. */
  async join(run: Joining, options: JoinOptions): Promise<void> {
    const found = run.recovered ? await this.#again(run) : undefined
    const { room, member } = found ?? (await this.#enter(run, options))
    try {
      const reason = await member.untilOut(run)
      await this.#leave(room, member)
      if (reason === 'kicked') await playTo(run, { id: `conference-${run.id}-kicked`, media: 'sound:conf-kicked' })
    } finally {
      if (!livesOn(run)) await this.#leave(room, member)
    }
  }

  /** The meeting of a conference that somebody is in. Throws where another process has it. */
  roomOf({ id, node }: Pick<ConferenceRow, 'id' | 'node'>): Room {
    const room = this.#rooms.get(id)
    if (room) return room
    throw new CallElsewhere(node)
  }

  /** Somebody who is in a conference now, and the meeting. Throws as `roomOf` does. */
  memberOf(row: Pick<ConferencecallRow, 'id' | 'conference_id' | 'node' | 'tm_end'>): { room: Room; member: Member } {
    const room = row.tm_end === null ? this.#rooms.get(row.conference_id) : undefined
    const member = room?.members.get(row.id)
    if (room && member) return { room, member }
    if (row.tm_end === null) throw new CallElsewhere(row.node)
    throw new HashdialError('FAILED_PRECONDITION', 'CONFERENCECALL_LEFT', 'they have left the conference already')
  }

  /** The conference of a customer. Throws a HashdialError where there is none. */
  find(customerId: string, id: string): Promise<ConferenceRow> {
    return findConference(this.house.store.database, customerId, id)
  }

  lockEmpty(row: ConferenceRow, locked: boolean): Promise<void> {
    return storeLock(this.house.store, row, locked)
  }

  /** It is there no more: whoever is in it is told so, and out. */
  dissolve(id: string): void {
    const room = this.#rooms.get(id)
    if (room) void room.end('ended').catch((err: unknown) => this.#warn(err))
  }

  /** Its settings have changed. */
  changed(row: ConferenceRow): void {
    const room = this.#rooms.get(row.id)
    if (!room) return
    room.settings = { ...row, node: room.settings.node, bridge_id: room.bridgeId, tm_start: room.settings.tm_start }
    void room.settle()
  }

  adopt(node: AriNode, callOf: (id: string) => Call | undefined): Promise<void> {
    return adoptMeetings(node, this.house.store, {
      isLive: (row) => callOf(row.reference_id) !== undefined,
      roomOf: (id) => this.#rooms.get(id),
      isBusy: (id) => this.#rooms.has(id) || this.#closing.has(id) || this.#entering.has(id),
    })
  }

  /** Back in their place, after Asterisk or we were away; undefined: they had not come in yet. */
  async #again(run: Joining): Promise<{ room: Room; member: Member } | undefined> {
    const id = placeOf(run)
    for (const room of this.#rooms.values()) {
      const member = room.members.get(id)
      if (!member) continue
      member.forget()
      room.talks(member, false)
      await room.settle()
      return { room, member }
    }
    const rows = this.house.store.database.getRepository<ConferencecallRow>('conferencecalls')
    const row = await rows.findOneBy({ id })
    return row?.tm_end === null ? this.#comeIn(run, row) : undefined
  }

  async #enter(run: Joining, options: JoinOptions): Promise<{ room: Room; member: Member }> {
    const { store } = this.house
    const { customer_id } = run.call.row
    const settings = await findConference(store.database, customer_id, options.conference_id)
    const isModerator = options.moderator || (await passDoor(run, settings, this.#guard)).moderator
    if (settings.locked && !isModerator) await refuse(run, 'CONFERENCE_LOCKED')
    const name = settings.announce === 'name' ? await recordName(run) : ''
    if (settings.announce === 'count') await tellCount(run, this.#rooms.get(settings.id)?.members.size ?? 0)
    const row = newRow(run, settings, { moderator: isModerator, muted: options.muted ?? settings.join_muted, name })
    const entered = await this.#comeIn(run, row).catch((error: unknown) => {
      if (error instanceof HashdialError) return refuse(run, error.reason, error)
      throw error
    })
    const { room } = entered
    if (settings.announce === 'name') void room.announceJoin(row)
    await this.#begin(room)
    return entered
  }

  /** Takes a place, and makes them hear and be heard. */
  async #comeIn(run: Joining, row: ConferencecallRow): Promise<{ room: Room; member: Member }> {
    const { conference_id: id } = row
    await this.#closing.get(id)
    this.#entering.set(id, (this.#entering.get(id) ?? 0) + 1)
    try {
      const room = await this.#roomFor(run, await takePlace(this.house.store, run.call.node, row))
      const member = new Member(run.call, row, {
        talks: (by, talking) => room.talks(by, talking),
        pressed: (by, command) => void obey(room, by, command).catch((err: unknown) => this.#warn(err)),
      })
      if (!run.recovered && room.members.size > 0 && room.settings.announce === 'tone')
        await room.announcer.play('sound:beep')
      room.members.set(row.id, member)
      void run.call.ended.then(() => this.#leave(room, member)).catch((err: unknown) => this.#warn(err))
      if (run.recovered) room.talks(member, false)
      await room.settle()
      transcribeMember(room, member).catch((err: unknown) => this.#warn(err))
      return { room, member }
    } finally {
      const left = this.#entering.get(id)! - 1
      if (left > 0) this.#entering.set(id, left)
      else this.#entering.delete(id)
    }
  }

  async #roomFor(run: Joining, settings: ConferenceRow): Promise<Room> {
    const { node } = run.call
    let room = this.#rooms.get(settings.id)
    if (room?.bridgeId !== settings.bridge_id) {
      room = new Room(this.house, node, settings)
      this.#rooms.set(settings.id, room)
      if (run.recovered) await this.#adoptRecording(room)
    } else room.settings = settings
    await room.open()
    return room
  }

  /** What each meeting begins with. */
  async #begin(room: Room): Promise<void> {
    const { hasBegun, settings } = room
    room.hasBegun = true
    if (hasBegun || settings.recording !== 'auto') return
    await room.recorder.start(settings).catch((err: unknown) => {
      this.house.log.error({ err: err as Error, conference: settings.id }, 'a conference is not recorded')
    })
  }

  /** What is being recorded goes on, also while nobody of us is there. */
  async #adoptRecording(room: Room): Promise<void> {
    const rows = await openRecordings(room.node, this.house.store)
    const own = rows.find(({ reference_id }) => reference_id === room.settings.id)
    if (own) room.recorder.adopt(own)
    room.hasBegun = true
  }

  async #leave(room: Room, member: Member): Promise<void> {
    await room.remove(member)
    const { id } = room.settings
    if (room.members.size > 0 || this.#entering.has(id) || this.#rooms.get(id) !== room) return
    this.#rooms.delete(id)
    if (member.call.isHandedOver) return room.release()
    const closing = room
      .close()
      .catch((err: unknown) => this.#warn(err))
      .finally(() => this.#closing.delete(id))
    this.#closing.set(id, closing)
  }

  #warn(err: unknown): void {
    this.house.log.warn({ err: err as Error }, 'a conference did not end well; the next comparison sees to it')
  }

  async #tellGuessed(id: string): Promise<void> {
    const { store, log } = this.house
    log.warn({ conference: id }, 'somebody seems to guess the PIN of a conference')
    const row = await store.database.getRepository<ConferenceRow>('conferences').findOneBy({ id })
    if (row) await insertEvents(store.database.manager, [store.eventOf('conference', 'pin_guessed', row)])
  }
}

/** The same in every run of the action. */
const placeOf = (run: Joining): string => idOf(`conferencecall-${run.id}`)

function newRow(
  run: Joining,
  { id, customer_id }: ConferenceRow,
  { moderator, muted, name }: { moderator: boolean; muted: boolean; name: string },
): ConferencecallRow {
  const { call } = run
  return {
    ...{ id: placeOf(run), customer_id, conference_id: id, activeflow_id: call.row.activeflow_id },
    ...{ reference_id: call.id, status: 'joined', moderator, muted, held: false, talking: false },
    ...{ volume_heard: 0, volume_spoken: 0, name_file: name, node: call.node.name },
    ...{ tm_join: now(), tm_end: null, tm_create: now(), tm_update: null },
  }
}
