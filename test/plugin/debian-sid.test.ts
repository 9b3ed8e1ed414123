import test from 'ava'
import { sharedStack } from '../support/setup.ts'
import { literally } from './literally.ts'

literally(test, 'mysql', async () => (await sharedStack()).rootfs)
