// The main job in WebKitGTK, which has no file storage for pages.

import { doesTheMainJob } from '../lib/engines/main-job.mjs';
import { WebKit } from '../lib/engines/webkit.mjs';

doesTheMainJob('WebKitGTK', () => WebKit.launch());
