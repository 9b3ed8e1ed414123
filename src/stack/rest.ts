export interface Reply<Body = Record<string, unknown>> {
  status: number
  body: Body
}

/** Asks a Hashdial’s REST API; `path` comes after /v1.0. */
export type Ask = <Body = Record<string, unknown>>(method: string, path: string, body?: object) => Promise<Reply<Body>>

export function rest(apiUrl: string, token: string): Ask {
  return async (method, path, body) => {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    const request = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const response = await fetch(`${apiUrl}/v1.0${path}`, { ...request, signal: AbortSignal.timeout(10_000) })
    const text = await response.text()
    const json = (response.headers.get('content-type') ?? '').includes('json')
    return { status: response.status, body: (json ? JSON.parse(text) : { text }) as never }
  }
}
