import { z } from 'zod'

/** White space around an address comes with copying, and belongs to nobody's. */
export const emailInput = z.string().trim().pipe(z.email('must be an e-mail address').max(254))
const password = z.string().min(12, 'must have at least 12 characters').max(128, 'must have at most 128 characters')
const name = z.string().trim().min(1, 'must not be empty').max(100)

export const registerBody = z.strictObject({
  email: emailInput,
  password,
  name: name.optional(),
  invitationCode: z.string().max(100).optional(),
})
/** What a guest gives the account, so that it stays. */
export const keepBody = registerBody
/** A code of six digits, or a recovery code. */
const factor = z.string().trim().min(1).max(32)
export const loginBody = z.strictObject({
  email: z.string().trim().max(254),
  password: z.string().max(128),
  totp: factor.optional(),
})
export const totpBeginBody = z.strictObject({ password: z.string().max(128) })
export const totpConfirmBody = z.strictObject({ code: factor })
export const totpDisableBody = z
  .strictObject({ password: z.string().max(128).optional(), code: factor.optional() })
  .refine(({ password, code }) => (password === undefined) !== (code === undefined), {
    path: ['password'],
    message: 'or a code is needed, one of them',
  })
export const profileBody = z
  .strictObject({
    name: name.optional(),
    email: emailInput.optional(),
    currentPassword: z.string().max(128).optional(),
    newPassword: password.optional(),
  })
  .refine((body) => (!body.newPassword && !body.email) || body.currentPassword !== undefined, {
    path: ['currentPassword'],
    message: 'is needed to change the password or the e-mail address',
  })
export const userBody = z.strictObject({
  name: name.optional(),
  email: emailInput.optional(),
  role: z.enum(['user', 'admin']).optional(),
})

export const linkBody = z.strictObject({ token: z.string().max(200) })
export const forgotBody = z.strictObject({ email: emailInput })
export const resetBody = z.strictObject({ token: z.string().max(200), newPassword: password })

export const suspendBody = z.strictObject({ reason: z.string().trim().min(1, 'must not be empty').max(200) })

export type LoginBody = z.output<typeof loginBody>
export type KeepBody = z.output<typeof keepBody>
export type RegisterBody = z.output<typeof registerBody>
export type ProfileBody = z.output<typeof profileBody>
export type UserBody = z.output<typeof userBody>
export type TotpDisableBody = z.output<typeof totpDisableBody>
