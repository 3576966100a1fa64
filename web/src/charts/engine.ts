// The parts of ECharts that the charts use. Only Plot.tsx imports this, which is
// loaded when a chart is shown.
import { CustomChart, LineChart } from 'echarts/charts';
import { GridSimpleComponent } from 'echarts/components';
import { init, use as register } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';

register([LineChart, CustomChart, GridSimpleComponent, CanvasRenderer]);

export { init };
