import Joi from 'joi'

// The kinds of field that resources are made of.

const broken = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]|\p{Surrogate}/u

/** What people write: any language and emoji; no control characters, and no halves of a surrogate pair. */
export const text = (longest: number): Joi.StringSchema =>
  Joi.string()
    .allow('')
    .max(longest)
    .custom((value: string, helpers) => (broken.test(value) ? helpers.error('text.broken') : value))
    .messages({ 'text.broken': '{{#label}} has control characters or broken Unicode; leave them out' })

export const id = (): Joi.StringSchema => Joi.string().guid({ separator: '-', wrapper: false }).lowercase()

export const time = (): Joi.StringSchema => Joi.string().isoDate()

export const milliseconds = (most: number): Joi.NumberSchema =>
  Joi.number().integer().min(0).max(most).unit('milliseconds')

export const name = text(255).description('What people call it.').example('Front desk')
export const detail = text(1024).description('Anything else that people should know.').example('')

export const customerId = id().required().description('The customer it belongs to.')

// Printable ASCII: a digest is made of bytes, and devices differ in the bytes that they make of other characters.
export const password = Joi.string()
  .min(8)
  .max(128)
  .pattern(/^[\x20-\x7e]+$/)
  .messages({ 'string.pattern.base': '{{#label}} may have printable ASCII characters only' })
  .description('What it logs in with. Kept only as a hash (HA1), so it can be changed but never read.')
  .example('correct-horse-battery')

/** The fields that every resource of a customer shows. */
export const common = {
  id: id().required().description('Its id.'),
  customer_id: customerId,
  name: name.required(),
  detail: detail.required(),
}

/** What something that is made of a call shows: a recording, a transcribe. */
export const partOfCall = {
  id: id().required(),
  customer_id: customerId,
  activeflow_id: id().required().description('The activeflow that began it.'),
  reference_type: Joi.valid('call').required(),
  reference_id: id().required().description('The call.'),
  on_end_flow_id: id().allow(null).required().description('The flow that runs when it has ended.'),
}

export const times = {
  tm_create: time().required().description('When it was made.'),
  tm_update: time().allow(null).required().description('When it was last changed.'),
  tm_delete: time().allow(null).required().description('When it was deleted: only the answer to DELETE has it.'),
}

export const direct = {
  direct_hash: Joi.string()
    .allow('')
    .pattern(/^([0-9a-f]{12,32})?$/)
    .required()
    .description('The hash of its direct address, "" while it has none.')
    .example('a1b2c3d4e5f6'),
  direct_uri: Joi.string()
    .allow('')
    .required()
    .description('The address that anyone can dial, "" while it has none.')
    .example('sip:direct.a1b2c3d4e5f6@sip.hashdial.test'),
}
