// Everything through the station's own broker.

import { carriesEverything } from '../lib/contents.mjs';

carriesEverything('station', () => ({}));
