// The main job in Firefox.

import { Firefox } from '../lib/engines/firefox.mjs';
import { doesTheMainJob } from '../lib/engines/main-job.mjs';

doesTheMainJob('Firefox', () => Firefox.launch());
