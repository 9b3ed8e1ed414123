/** Where a leg goes: an endpoint of Asterisk (`PJSIP/hashdial/sip:1001@…`). */
export interface Endpoint {
  endpoint: string
  /** Of an address outside: what its name stands for, as `192.0.2.7:5060/udp`. */
  next?: string
  /** The domain that its From has, in place of the caller's. */
  domain?: string
}
