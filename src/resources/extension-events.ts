import { viewRegistration, type RegistrationView } from '../registrar/registration.ts'
import type { ReadExtensions } from '../registrar/registration-events.ts'
import { Extension, extensions } from './extension.ts'
import { eventOf } from './happened.ts'
import type { Site } from './resource.ts'

/** How the registrar, which does not know how an extension is shown, tells what happened to its registration. */
export function extensionEvents(site: Pick<Site, 'baseDomain'>): ReadExtensions {
  return async (manager, ids) => {
    // Locked, so that none is deleted before what is stored of it refers to it. (The words that MySQL and MariaDB share.)
    await manager.query('SELECT id FROM extensions WHERE id IN (?) ORDER BY id LOCK IN SHARE MODE', [ids])
    const query = manager.getRepository(Extension).createQueryBuilder('row').where('row.id IN (:...ids)', { ids })
    extensions.select?.(query)
    const rows = await query.getMany()
    await extensions.complete?.(rows, manager)
    const byId = new Map(rows.map((row) => [row.id, row]))
    return (id, what, snapshot) => {
      const row = byId.get(id)
      if (!row) return undefined
      if (!snapshot) return eventOf(extensions, what, row, site)
      const { failures } = row.registration as RegistrationView
      return eventOf(
        extensions,
        what,
        Object.assign({}, row, { registration: viewRegistration(snapshot, failures) }),
        site,
      )
    }
  }
}
