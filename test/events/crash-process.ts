import { Web } from '../../src/web.ts'
import { openDatabase } from '../../src/database.ts'
import { KeyRing } from '../../src/database/secrets.ts'
import { openTelling } from '../../src/events/telling.ts'
import { createLogger } from '../../src/log.ts'
import { entities } from '../../src/resources/index.ts'

// The part of Hashdial that tells others, as a process of its own, to be killed: crash-process.ts <database URL> <key>.
const [url = '', key = ''] = process.argv.slice(2)
const database = await openDatabase(url, { entities })
const secrets = new KeyRing([{ id: 'k1', key: Buffer.from(key, 'base64') }])
const telling = await openTelling({ database, log: createLogger('warn'), web: new Web(['127.0.0.1/32']), secrets })
telling.start()
setInterval(() => undefined, 1_000)
