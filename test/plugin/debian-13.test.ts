import test from 'ava'
import { debian13Recipe } from '../../src/stack/recipe.ts'
import { ensureRootfs } from '../../src/stack/rootfs.ts'
import { literally } from './literally.ts'

literally(test, 'mariadb', () => ensureRootfs((line) => console.log(line), debian13Recipe))
