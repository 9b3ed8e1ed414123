/** A row of `conferences`, as far as a meeting needs it; see sql/015-conferences.sql. */
export interface ConferenceRow {
  readonly id: string
  readonly customer_id: string
  readonly name: string
  /** How long a meeting may last, in seconds; 0: as long as somebody is in it. */
  readonly timeout: number
  readonly pre_flow_id: string | null
  readonly post_flow_id: string | null
  readonly pin_hash: string
  readonly moderator_pin_hash: string
  /** 0: as many as come. */
  readonly max_participants: number
  readonly join_muted: boolean
  readonly announce: 'none' | 'tone' | 'count' | 'name'
  readonly music_when_alone: boolean
  /** What the others hear while no moderator is there: each other, nobody, or music. */
  readonly before_moderator: 'open' | 'muted' | 'music'
  /** What follows when the last moderator leaves. */
  readonly after_moderator: 'go_on' | 'end'
  readonly recording: 'auto' | 'on_request'
  /** Participants may steer by DTMF. */
  readonly menu: boolean
  readonly locked: boolean
  /** Where the meeting is: the Asterisk, and the bridge in it. '' while nobody is in it. */
  readonly node: string
  readonly bridge_id: string
  readonly tm_start: string | null
}

/** A row of `conferencecalls`: one participant, from the door to the end. */
export interface ConferencecallRow {
  readonly id: string
  readonly customer_id: string
  readonly conference_id: string
  readonly activeflow_id: string
  /** The call. */
  readonly reference_id: string
  status: 'joined' | 'leaving' | 'left'
  moderator: boolean
  /** By the participant, or by somebody else: the conference does not hear them. */
  muted: boolean
  held: boolean
  talking: boolean
  /** In dB: how loud they hear the others, and the others them. */
  volume_heard: number
  volume_spoken: number
  /** The recording of their name, at the Asterisk; '' where none was made. */
  readonly name_file: string
  readonly node: string
  readonly tm_join: string
  tm_end: string | null
  readonly tm_create: string
  tm_update: string | null
}

export const conferencecallColumns = [
  ...['id', 'customer_id', 'conference_id', 'activeflow_id', 'reference_id', 'status', 'moderator', 'muted', 'held'],
  ...['talking', 'volume_heard', 'volume_spoken', 'name_file', 'node', 'tm_join', 'tm_end', 'tm_create', 'tm_update'],
] as const
