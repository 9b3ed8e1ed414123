import { isIP } from 'node:net'

/** What a database URL says. `sslCa` and the others are names of files. */
export interface DatabaseUrl {
  host: string
  port: number
  user: string
  password: string
  database: string
  sslMode: 'DISABLED' | 'VERIFY_CA' | 'VERIFY_IDENTITY'
  sslCa?: string
  sslCert?: string
  sslKey?: string
}

const form = 'mysql://user:password@host:3306/database'

/**
 * From the end backwards, where the shape is known: so the password may have any character, `/ # ? @ :` too. What is
 * percent-encoded is decoded, in the way of every URL, so that a `%` before two hex digits has to be written `%25`.
 */
const shape =
  /^(?:mysql|mariadb):\/\/([^:@/?#]+)(?::(.*))?@(\[[0-9A-Fa-f:.]+\]|[^\s:@/?#[\]]+)(?::(\d{1,5}))?\/([A-Za-z0-9_$-]{1,64})(?:\?([^@]*))?$/s

/** Parameters in the words of MySQL's own URIs (dev.mysql.com, "Connecting Using URI-Like Connection Strings"). */
const known = ['ssl-mode', 'ssl-ca', 'ssl-cert', 'ssl-key']

/** Throws an Error that says what is wrong, and never repeats what may be secret. */
export function parseDatabaseUrl(url: string): DatabaseUrl {
  const [, user = '', password = '', host = '', port = '3306', database = '', query = ''] = shape.exec(url) ?? []
  if (!user || Number(port) > 65_535) throw new Error(`is not a URL of the form ${form}`)
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys())
    if (!known.includes(name)) throw new Error(`has a parameter that is none of ${known.join(', ')}`)
  const plain = host.replace(/^\[|\]$/g, '')
  const files = Object.entries({ sslCa: 'ssl-ca', sslCert: 'ssl-cert', sslKey: 'ssl-key' })
    .map(([key, name]) => [key, parameters.get(name)] as const)
    .filter(([, file]) => file)
  return {
    ...{ host: plain, port: Number(port), user: decoded(user), password: decoded(password), database },
    sslMode: sslMode(parameters, plain),
    ...Object.fromEntries(files),
  }
}

/** Encryption to somebody unknown protects from nothing, so there is no REQUIRED. */
function sslMode(parameters: URLSearchParams, host: string): DatabaseUrl['sslMode'] {
  const ca = parameters.get('ssl-ca')
  const mode = (parameters.get('ssl-mode') ?? (ca ? 'VERIFY_CA' : 'DISABLED')).toUpperCase()
  if (mode === 'VERIFY_CA' && !ca)
    throw new Error('has ssl-mode=VERIFY_CA: name the file with the CA, ssl-ca=/path/ca.pem')
  if (mode === 'VERIFY_IDENTITY' && isIP(host))
    throw new Error('has ssl-mode=VERIFY_IDENTITY: give the host by the name that is in its certificate')
  if (mode === 'DISABLED' || mode === 'VERIFY_CA' || mode === 'VERIFY_IDENTITY') return mode
  throw new Error('has an ssl-mode that is none of VERIFY_CA (with ssl-ca), VERIFY_IDENTITY and DISABLED')
}

function decoded(text: string): string {
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (bytes) => {
    try {
      return decodeURIComponent(bytes)
    } catch {
      return bytes // no UTF-8: then it was not encoded
    }
  })
}
