import type { RequestOptions, SipClient } from '../support/sip.ts'

/** What Hashdial says of a leg that it makes for this customer. */
export const stampOf = (customer: string, more = ''): string => `Hashdial-Leg: customer=${customer};forwards=64${more}`

/**
 * Makes a client that plays an Asterisk stamp what it sends to a customer's domain, as Hashdial does for that customer's
 * own legs. A test of the stamp itself gives its own, or says `Hashdial-Leg: none`.
 */
export function stamping(client: SipClient): SipClient {
  const compose = client.compose.bind(client)
  client.compose = (method: string, options: RequestOptions) => {
    const { uri, extra = [] } = options
    const customer = /@([0-9a-f-]{36})\.(?:registrar|trunk)\./.exec(uri)?.[1]
    const stamped = method !== 'INVITE' || extra.some((line) => /^(x-)?hashdial-leg/i.test(line))
    return compose(method, customer && !stamped ? { ...options, extra: [...extra, stampOf(customer)] } : options)
  }
  return client
}
