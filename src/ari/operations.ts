import type { AriBridge, AriChannel, AriPlayback, AriRecording } from './types.ts'

type Id = { channelId: string }

/** ari-client's operations that are used here, with their parameters (Asterisk's api-docs have all 109). */
export interface AriOperations {
  applications: {
    get(p: { applicationName: string }): Promise<{ channel_ids: string[]; bridge_ids: string[] }>
    filter(p: { applicationName: string; filter: object }): Promise<unknown>
    subscribe(p: { applicationName: string; eventSource: string }): Promise<unknown>
  }
  asterisk: { getInfo(p?: { only?: string }): Promise<{ system: { version: string; entity_id: string } }> }
  events: { userEvent(p: { eventName: string; application: string }): Promise<void> }
  channels: {
    get(p: Id): Promise<AriChannel>
    list(): Promise<AriChannel[]>
    create(p: CreateChannel): Promise<AriChannel>
    dial(p: Id & { caller?: string; timeout?: number }): Promise<void>
    ring(p: Id): Promise<void>
    ringStop(p: Id): Promise<void>
    answer(p: Id): Promise<void>
    hangup(p: Id & { reason_code?: string }): Promise<void>
    continueInDialplan(p: Id & { context: string; extension: string; priority: number }): Promise<void>
    getChannelVar(p: Id & { variable: string }): Promise<{ value: string }>
    setChannelVar(p: Id & { variable: string; value: string }): Promise<void>
    playWithId(p: Id & { playbackId: string; media: string }): Promise<AriPlayback>
    sendDTMF(p: Id & { dtmf: string; before?: number; between?: number; duration?: number }): Promise<void>
    mute(p: Id & { direction: Direction }): Promise<void>
    unmute(p: Id & { direction: Direction }): Promise<void>
    hold(p: Id): Promise<void>
    unhold(p: Id): Promise<void>
    startMoh(p: Id & { mohClass?: string }): Promise<void>
    stopMoh(p: Id): Promise<void>
    transfer_progress(p: Id & { states: string }): Promise<void>
    snoopChannelWithId(p: SnoopChannel): Promise<AriChannel>
    record(p: RecordChannel): Promise<AriRecording>
    externalMedia(p: ExternalMedia): Promise<AriChannel>
  }
  playbacks: {
    get(p: { playbackId: string }): Promise<AriPlayback>
    stop(p: { playbackId: string }): Promise<void>
  }
  recordings: {
    getLive(p: { recordingName: string }): Promise<AriRecording>
    stop(p: { recordingName: string }): Promise<void>
    getStored(p: { recordingName: string }): Promise<{ name: string; format: string }>
    deleteStored(p: { recordingName: string }): Promise<void>
    listStored(): Promise<{ name: string }[]>
  }
  bridges: {
    get(p: { bridgeId: string }): Promise<AriBridge>
    list(): Promise<AriBridge[]>
    createWithId(p: { bridgeId: string; type: string; name?: string }): Promise<AriBridge>
    addChannel(p: { bridgeId: string; channel: string; absorbDTMF?: boolean }): Promise<void>
    removeChannel(p: { bridgeId: string; channel: string }): Promise<void>
    destroy(p: { bridgeId: string }): Promise<void>
    playWithId(p: { bridgeId: string; playbackId: string; media: string }): Promise<AriPlayback>
    record(p: Omit<RecordChannel, 'channelId'> & { bridgeId: string }): Promise<AriRecording>
  }
}

export interface CreateChannel {
  endpoint: string
  app: string
  appArgs?: string
  channelId: string
  originator?: string
  variables?: Record<string, string>
  /** The id of a Local channel's other half. */
  otherChannelId?: string
}

/** As seen from the channel: `in` is what comes from its party. */
export type Direction = 'both' | 'in' | 'out'

export interface SnoopChannel {
  channelId: string
  snoopId: string
  /** Which sound of the channel it hears, and to whom it speaks. */
  spy: Direction | 'none'
  whisper?: Direction | 'none'
  app: string
  appArgs: string
}

export interface RecordChannel {
  channelId: string
  name: string
  format: string
  maxDurationSeconds?: number
  maxSilenceSeconds?: number
  ifExists: 'fail' | 'overwrite' | 'append'
  beep?: boolean
  /** A digit that ends it. */
  terminateOn?: 'none' | 'any' | '*' | '#'
}

export interface ExternalMedia {
  channelId: string
  app: string
  external_host: string
  encapsulation?: string
  transport?: string
  transport_data?: string
  connection_type?: string
  format: string
  direction?: 'both'
  data?: string
  variables?: Record<string, string>
}
